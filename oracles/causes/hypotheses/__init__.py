"""Simple hypotheses on what a wrong layer computes: a value (what stands there instead) at a place (where).

A hypothesis predicts every element of a result on every run. It is named as the cause only where the prediction is met
everywhere: at the elements that are wrong, and the truth at those that are right.
"""
