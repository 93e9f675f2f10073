# The network of fashion.c, typed at the prompt. The numbers are the same.
# build/bin/einstride docs/examples/fashion.es
images = load('/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz')[:1000].astype('float32')

# Four derivatives, each the outer product of two short filters: d/dx, d/dy, d2/dx2, d2/dy2.
vertical = tensor([[1, 2, 1], [-1, 0, 1], [1, 2, 1], [1, -2, 1]]).astype('float32')
horizontal = tensor([[-1, 0, 1], [1, 2, 1], [1, -2, 1], [1, 2, 1]]).astype('float32')
full = einsum('c kh, c kw -> c kh kw', vertical, horizontal)
edges = einsum('b (h+kh-1)?0 (w+kw-1)?0, c kh, c kw -> b c h w', images, vertical, horizontal)
edges_full = einsum('b (h+kh-1)?0 (w+kw-1)?0, c kh kw -> b c h w', images, full)
abs(edges - edges_full).max()

# A blur for each channel, then six directions, bright spots and dark spots.
binomial = tensor([1, 4, 6, 4, 1]).astype('float32')
gain = tensor([1, 1, 0.5, 0.5]).astype('float32')
blur = einsum('c, kh, kw -> c kh kw', gain, binomial, binomial) / (256 * 1024)
angle = tensor([0, 1, 2, 3, 4, 5]) * 1.0471975511965976
directions = stack([cos(angle), sin(angle), 0 * angle, 0 * angle], 1)
steer = concat([directions, tensor([[0, 0, -2, -2], [0, 0, 2, 2]]) * 1.0], 0).astype('float32')
steered = relu(einsum('b c (h+kh-2)?0 (w+kw-2)?0, c kh kw, o c -> b o h w', edges, blur, steer))

# Four groups of two channels, their outputs dealt out between the groups.
smooth = tensor([0.25, 0.5, 0.25]).astype('float32')
signs = tensor([[1, 1], [1, -1]]).astype('float32')
group = einsum('o c, kh, kw -> g o c kh kw', signs, smooth, smooth, g=4)
shuffled = einsum('b (g c) (h+2*kh-2)?0 (w+2*kw-2)?0, g o c kh kw -> b (o g) h w', steered, group)
pooled = einsum('b c (2*h+kh) (2*w+kw) -> b c h w | max', shuffled, kh=2, kw=2)

edges.mean(), edges.max()
steered.mean(), steered.max()
shuffled.mean(), shuffled.max()
pooled.mean(), pooled.max()
pooled.shape
