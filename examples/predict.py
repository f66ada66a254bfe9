"""Find names in text, and in sentences that are already split into words.

Run it with `python examples/predict.py`.
"""

import rnner


def main() -> None:
    """Print the names in a text, and in a list of words."""
    pipeline = rnner.load("en")  # or a folder from `rnner train`, an .onnx file, or owner/name on the Hub

    text = "Dr. Amara Nwosu flew from Lagos to Oslo."
    for entity in pipeline([text])[0]:
        assert text[entity.start : entity.end] == entity.text
        print(f"{entity.label} {entity.text} ({entity.score:.2f})")

    (entities,) = pipeline.tag([["Harry", "Potter", "came", "to", "London", "."]])
    print([(entity.label, entity.start, entity.end) for entity in entities])  # positions of words


if __name__ == "__main__":
    main()
