"""What the encoder is taught: to part the voices it is shown, and to stay close to what it knew before.

Parting is additive-margin softmax (Wang et al., "Additive margin softmax for face verification", IEEE SPL 2018).
Staying close is distillation: the vector of a window, whatever happened to it on the way, is drawn to the vector that
the network had, before training, of the same window unharmed. The first adapts to new speech; the second alone already
teaches what rooms, noise and telephones do, and keeps what only GE2E's thousands of speakers could teach.

Both look at vectors with the mean voice taken off, as everything downstream does.
"""

import torch
from torch import Tensor, nn

from training.encoder.batches import Batch
from training.encoder.network import Encoder, mel_power

PULLED = 0.5  # share of a batch that is held close: the teacher is a quarter of the cost of a step


class Objective(nn.Module):
    """The loss of a batch; owns one weight vector a voice."""

    def __init__(
        self, teacher: Encoder, centre: Tensor, prototypes: Tensor, *, scale: float, margin: float, closeness: float
    ) -> None:
        """Begin with the teacher's own mean vectors of the voices.

        Args:
            teacher: The network before training.
            centre: `[256]`, taken off every vector.
            prototypes: `[voices, 256]`, mean vectors with the centre taken off.
            scale: Of the cosines in the softmax.
            margin: By which the right voice has to win.
            closeness: Weight of staying close.
        """
        super().__init__()
        self.teacher = [teacher.eval()]  # in a list, so that its weights are not ours to train
        self.register_buffer("centre", centre)
        self.prototypes = nn.Parameter(nn.functional.normalize(prototypes, dim=1).clone())
        self.scale, self.margin, self.closeness = scale, margin, closeness

    def forward(self, encoder: Encoder, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Return the loss and its parts."""
        pulled = round(PULLED * len(batch.clean))
        with torch.no_grad():
            known = self.centred(self.teacher[0](mel_power(batch.clean[:pulled])))
        vectors = self.centred(encoder(mel_power(batch.heard)))
        cosines = vectors @ nn.functional.normalize(self.prototypes, dim=1).T
        target = nn.functional.one_hot(batch.voices, cosines.shape[1])
        parting = nn.functional.cross_entropy(self.scale * (cosines - self.margin * target), batch.voices)
        distance = (1 - (vectors[:pulled] * known).sum(dim=1)).mean()
        right = (cosines.argmax(dim=1) == batch.voices).float().mean()
        parts = {"parting": parting.item(), "distance": distance.item(), "right": right.item()}
        return parting + self.closeness * distance, parts

    def centred(self, vectors: Tensor) -> Tensor:
        """Take the mean voice off."""
        return nn.functional.normalize(vectors - self.centre, dim=-1)
