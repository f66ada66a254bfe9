"""Components that use rnner in other libraries."""
