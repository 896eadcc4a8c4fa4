"""MEmoBERT: pre-training on unlabeled clips, and its four ways of classifying."""
