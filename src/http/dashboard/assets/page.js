// What a page does beyond being there. Nothing here is needed to read it.
