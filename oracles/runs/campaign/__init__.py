"""Long runs: cases by the million, that go on where they were cut off."""
