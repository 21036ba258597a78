"""Two kinds of model behind one interface: token ids of a text and of hypotheses in, logits out."""

from nli_tagger.scorers.base import Scorer
from nli_tagger.scorers.cross_encoder import CrossEncoderScorer
from nli_tagger.scorers.shared_premise import SharedPremiseScorer

__all__ = ["CrossEncoderScorer", "Scorer", "SharedPremiseScorer"]
