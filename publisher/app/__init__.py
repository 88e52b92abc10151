"""USE CASES: what commands and programs ask of a publication. Values in, values out.

Plain functions without a command line, HTTP or output. `docs/reference/use-cases.md` lists them.
"""
