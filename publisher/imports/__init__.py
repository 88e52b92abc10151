"""Exports of other publishing systems, made into files of the editor's below a folder source."""
