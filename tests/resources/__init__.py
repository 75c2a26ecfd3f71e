"""Resources that describe themselves."""
