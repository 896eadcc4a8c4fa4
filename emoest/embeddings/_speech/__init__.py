"""What the encoders of speech share: windows, pieces, patches, transcripts."""
