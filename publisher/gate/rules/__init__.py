"""One module for each group of topics that a mail is checked for; each has check()."""
