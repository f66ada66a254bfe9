"""rnner inside other libraries."""
