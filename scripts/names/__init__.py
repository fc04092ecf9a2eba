"""The sources of the generated table of import names, and the rules for namespaces."""
