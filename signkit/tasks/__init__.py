"""The families: one folder each, with all that is special to it."""
