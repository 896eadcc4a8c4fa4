"""Torch modules: layers, nets, loaders. Nothing here imports scikit-learn, skorch or pandas."""
