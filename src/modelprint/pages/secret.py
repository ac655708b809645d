"""What a page or a record says at its top when it shows samples with their labels."""

SECRET = (
    "Secret: samples and their expected labels are shown here. A provider who has them can answer them without the "
    "model, so give this only to people who may have the fingerprint, as long as its samples are asked anywhere."
)
