"""What a layer is held to: one function a claim, the truth, and the bound. What breaks one raises Disagreement."""
