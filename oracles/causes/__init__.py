"""Why a layer failed, from the numbers alone."""
