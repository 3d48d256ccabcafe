"""Makes cases: frames, values, variations, mutations; and makes them small."""
