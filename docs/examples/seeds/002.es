# Seed 002, col2im: from columns back to the image, overlaps summed. The answer's
# PyTorch lines as they stand, its loop written out.
#
#   #=  what the line above prints
#
# The document shows the printed tensors without PyTorch's empty line between the
# two channels; the numbers are the same.

kernel_size = 2
x = torch.arange(18).reshape(1, 2, 3, 3).to(torch.float32)
x
#= f32[1 2 3 3]  min 0  mean 8.5  max 17  72 B
#= tensor([[[[ 0.,  1.,  2.],
#=           [ 3.,  4.,  5.],
#=           [ 6.,  7.,  8.]],
#=
#=          [[ 9., 10., 11.],
#=           [12., 13., 14.],
#=           [15., 16., 17.]]]])

unfold = torch.nn.Unfold(kernel_size=kernel_size)
fold = torch.nn.Fold(kernel_size=kernel_size, output_size=(3, 3))
unfolded = unfold(x)
print(unfolded)
#= tensor([[[ 0.,  1.,  3.,  4.],
#=          [ 1.,  2.,  4.,  5.],
#=          [ 3.,  4.,  6.,  7.],
#=          [ 4.,  5.,  7.,  8.],
#=          [ 9., 10., 12., 13.],
#=          [10., 11., 13., 14.],
#=          [12., 13., 15., 16.],
#=          [13., 14., 16., 17.]]])

cols = torch.arange(kernel_size ** 2)

# for col in range(kernel_size ** 2):
col = 0
unfolded_masked = torch.where(col == cols, unfolded, torch.tensor(0.0, dtype=torch.float32))
refolded = fold(unfolded_masked)
print(refolded)
#= tensor([[[[ 0.,  1.,  0.],
#=           [ 3.,  4.,  0.],
#=           [ 0.,  0.,  0.]],
#=
#=          [[ 9., 10.,  0.],
#=           [12., 13.,  0.],
#=           [ 0.,  0.,  0.]]]])

col = 1
unfolded_masked = torch.where(col == cols, unfolded, torch.tensor(0.0, dtype=torch.float32))
refolded = fold(unfolded_masked)
print(refolded)
#= tensor([[[[ 0.,  1.,  2.],
#=           [ 0.,  4.,  5.],
#=           [ 0.,  0.,  0.]],
#=
#=          [[ 0., 10., 11.],
#=           [ 0., 13., 14.],
#=           [ 0.,  0.,  0.]]]])

col = 2
unfolded_masked = torch.where(col == cols, unfolded, torch.tensor(0.0, dtype=torch.float32))
refolded = fold(unfolded_masked)
print(refolded)
#= tensor([[[[ 0.,  0.,  0.],
#=           [ 3.,  4.,  0.],
#=           [ 6.,  7.,  0.]],
#=
#=          [[ 0.,  0.,  0.],
#=           [12., 13.,  0.],
#=           [15., 16.,  0.]]]])

col = 3
unfolded_masked = torch.where(col == cols, unfolded, torch.tensor(0.0, dtype=torch.float32))
refolded = fold(unfolded_masked)
print(refolded)
#= tensor([[[[ 0.,  0.,  0.],
#=           [ 0.,  4.,  5.],
#=           [ 0.,  7.,  8.]],
#=
#=          [[ 0.,  0.,  0.],
#=           [ 0., 13., 14.],
#=           [ 0., 16., 17.]]]])

# The question's own picture: the first column put back, then the second added.
first = fold(torch.where(cols == 0, unfolded, 0.0))
first + fold(torch.where(cols == 1, unfolded, 0.0))
#= f32[b:1 c:2 3 3]  min 0  mean 6.22222  max 26  72 B
#= tensor([[[[ 0.,  2.,  2.],
#=           [ 3.,  8.,  5.],
#=           [ 0.,  0.,  0.]],
#=
#=          [[ 9., 20., 11.],
#=           [12., 26., 14.],
#=           [ 0.,  0.,  0.]]]])

# As one string: '+' on the right adds into the target.
windows = unfolded.reshape(1, 2, 2, 2, 2, 2)
(fold(unfolded) == einsum('b c kh kw ho wo -> b c (ho+kh) (wo+kw)', windows)).all()
#= bool[]  True

# fold is the adjoint of unfold: <unfold x, v> = <x, fold v>.
v = torch.arange(32).reshape(1, 8, 4).to(torch.float32)
(unfold(x) * v).sum(), (x * fold(v)).sum()
#= f32[]  5648.
#= f32[]  5648.

# fold(unfold(1)) counts the overlaps: 5x5, windows of 3.
torch.nn.Fold(output_size=(5, 5), kernel_size=3)(torch.nn.Unfold(kernel_size=3)(torch.ones(1, 1, 5, 5)))[0, 0]
#= f32[5 5]  min 1  mean 3.24  max 9  100 B view
#= tensor([[1., 2., 3., 2., 1.],
#=         [2., 4., 6., 4., 2.],
#=         [3., 6., 9., 6., 3.],
#=         [2., 4., 6., 4., 2.],
#=         [1., 2., 3., 2., 1.]])
