"""The one container: names, cells, vectors, frames, samples, groups and targets."""
