"""What arrives of a site: its own files against what the program makes of them.

The expectations are read without the program's readers. See `python -m tools.site_measure --help`.
"""
