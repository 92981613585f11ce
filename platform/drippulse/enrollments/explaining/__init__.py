"""Why a run is where it is, why it does not go on, and what comes next."""
