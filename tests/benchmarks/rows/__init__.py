"""The rows of the table, by the name that `--only` takes."""
