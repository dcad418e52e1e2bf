"""Objects of a household, drawn by chance with the masses of real ones."""
