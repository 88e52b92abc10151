"""USE CASES: all that commands and other programs do with a publication. Values in, values out.

Plain functions without a command line, HTTP or output. `docs/reference/use-cases.md` lists them.
"""
