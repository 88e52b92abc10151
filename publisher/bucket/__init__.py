"""Copies the web root into a bucket of S3-compatible storage, after each turn that wrote files.

client      the bucket's objects, by the one library that is asked for it
contents    whether the bucket has what the web root has: a row, and one of the bucket's objects
plan        what the web root has, what is to be put and deleted, and in which order
upload      does it, fenced against another process that does so as well
turn        does it at the end of a turn, and records how that went
"""
