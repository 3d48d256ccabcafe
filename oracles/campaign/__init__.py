"""Campaigns: a long search for disagreements, in chunks that any executor runs and one file keeps."""
