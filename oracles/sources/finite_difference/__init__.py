"""Central differences of the definition, in balls."""
