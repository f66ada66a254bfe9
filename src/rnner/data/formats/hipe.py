"""The HIPE format (github.com/hipe-eval/HIPE-2022-data): tab-separated columns named by a header, metadata in comments.

    TOKEN	NE-COARSE-LIT	NE-FINE-LIT	MISC
    # hipe2022:document_id = letters-1
    Ada	B-pers	B-pers.ind	_
    wrote	O	O	NoSpaceAfter
    .	O	O	EndOfSentence

The coarse types in their literal sense are read (NE-COARSE-LIT), or another column on request. Documents begin at
their document_id; sentences end at `EndOfSentence` (in HIPE-2020: `PySBDSegment`) and at blank lines.
"""
