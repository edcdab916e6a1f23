//! A frame: many records of one partition in one entry of the log.
