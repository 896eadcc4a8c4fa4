import torch

from emoest.nets.losses.criteria import AbsoluteError, CrossEntropy, SquaredError


def test_losses_are_one_value_a_sample_and_read_the_first_of_a_tuple():
    logits = torch.tensor([[2.0, 0.0], [0.0, 0.0]], dtype=torch.bfloat16)
    target = torch.tensor([0, 1])
    losses = CrossEntropy()((logits, torch.zeros(2, 3)), target)
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses, -logits.float().log_softmax(1)[[0, 1], [0, 1]])
    values = torch.tensor([[1.0], [3.0]])
    assert SquaredError()(values, torch.tensor([0.0, 1.0])).tolist() == [1.0, 4.0]
    assert AbsoluteError()(values, torch.tensor([2.0, 1.0])).tolist() == [1.0, 2.0]
