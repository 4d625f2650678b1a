"""Which built-in recipes are of stages, and changes that make recipes small."""

from signkit.config.assets import asset, names
from signkit.config.recipe_file import sections

OF_STAGES = tuple(name for name in names("recipes") if "stages" in sections(asset("recipes", name)))
SINGLE = tuple(name for name in names("recipes") if name not in OF_STAGES)

COMPOSED = ("data.people=4", "data.rate=2", "data.longest=4", "data.phrases=0")
MICT = (
    "encoder.backbone=resnet18",
    "encoder.channels=[4, 4, 4, 4]",
    "encoder.hidden=8",
    "encoder.weights=none",
    "video.resize=32",
    "video.crop=32",
)
WRITTEN = (
    "text.pieces=40",
    "encoder.width=8",
    "encoder.global_temporal.layers=1",
    "encoder.global_temporal.width=8",
    "encoder.global_temporal.feed_forward=8",
    "model.width=8",
    "model.layers=1",
    "model.feed_forward=8",
)
SQUEEZEFORMER = ("encoder.width=8", "encoder.blocks=1", "encoder.heads=2", "encoder.kernel=3")
TRANSFORMER = ("encoder.width=8", "encoder.layers=1", "encoder.heads=2", "encoder.feed_forward=8")
