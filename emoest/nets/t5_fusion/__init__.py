"""A T5 into whose layers the summaries of other modalities are fused (UniMSE)."""
