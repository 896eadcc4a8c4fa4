"""An evaluation as text, page and plots."""
