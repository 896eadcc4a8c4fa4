"""A Transformer over words, faces and sound in one sequence, and its pre-training (MEmoBERT)."""
