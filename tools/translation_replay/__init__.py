"""Plays issues of a publication with the dates on which their translations came, under several rules.

dates      when the translations of Bitcoin Optech's newsletters were approved
replay     one rule, played through the real pick-up, planning and selection
tables     what came out, as Markdown
"""
