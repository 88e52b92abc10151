"""One module for each topic that a mail is checked for; each has RULES and check()."""
