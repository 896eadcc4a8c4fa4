"""Losses of multimodal nets, one value for each sample."""
