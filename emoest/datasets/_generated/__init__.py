"""Corpora that are generated: stories, sequences, and the layouts of licensed corpora."""
