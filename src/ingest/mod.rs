//! Every door into the log, a file a door.
