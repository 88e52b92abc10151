"""Sources on the web: when they are asked, how their answers are read, and the entries that are kept of them."""
