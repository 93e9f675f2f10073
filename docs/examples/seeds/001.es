# Seed 001, layers as unfold, rearrange, multiply and sum: its lines as they stand,
# each followed by the one string that says the same.
#
#   #=  what the line above prints        #!  the error it gives
#
# The document renames axes between the two sides of a rearrange ('b c_in -> b i 1').
# A name must stand on both sides (rule S1); the mended line stands below.

# ---- Linear layer ----
X = arange(2, 3); W = arange(4, 3)
x = rearrange(X, 'b c_in -> b i 1')
#! 'c_in' stands on the left only and 'i' on the right only: write the same name on both sides [ES_E_NAME S1]

w = rearrange(W, 'c_out c_in -> 1 i o')
#! 'c_out' stands on the left only and 'i' on the right only: write the same name on both sides [ES_E_NAME S1]

x = rearrange(X, 'b i -> b i 1')
w = rearrange(W, 'o i -> 1 i o')
Y = (x * w).sum(dim=1)
Y
#= i64[2 4]  min 5  mean 43.25  max 122  64 B
#= [[  5  14  23  32]
#=  [ 14  50  86 122]]

(Y == einsum('b i, o i -> b o', X, W)).all()
#= bool[]  True

# ---- Conv1d layer ----
kernel_size = 3; stride = 2
X = arange(2, 3, 9); W = arange(4, 3, 3)
unfolded_X = X.unfold(dimension=2, size=kernel_size, step=stride)
x = rearrange(unfolded_X, 'b c_in n_out k -> b 1 c_in n_out k')
w = rearrange(W, 'c_out c_in k1 -> 1 c_out c_in 1 k')
#! 'k1' stands on the left only: did you mean 'k'? [ES_E_NAME S1]

w = rearrange(W, 'c_out c_in k -> 1 c_out c_in 1 k')
Y = (x * w).sum(dim=(2, 4))
Y
#= i64[2 4 4]  min 528  mean 4341.75  max 12165  256 B
#= [[[  528   600   672   744]
#=   [ 1338  1572  1806  2040]
#=   [ 2148  2544  2940  3336]
#=   [ 2958  3516  4074  4632]]
#=
#=  [[ 1500  1572  1644  1716]
#=   [ 4497  4731  4965  5199]
#=   [ 7494  7890  8286  8682]
#=   [10491 11049 11607 12165]]]

(Y == einsum('b c (2*n+k), o c k -> b o n', X, W)).all()
#= bool[]  True

# Dilation: the window must hold d(k-1)+1 elements before every d-th is taken. With
# the document's window of kernel_size elements, one tap of three is lost.
dilation = 2
unfolded_X[..., ::dilation].shape
#= (2, 3, 4, 2)

unfolded_X = X.unfold(dimension=2, size=dilation * (kernel_size - 1) + 1, step=stride)
x = rearrange(unfolded_X, 'b c_in n_out k -> b 1 c_in n_out k')
Y = (x[..., ::dilation] * w).sum(dim=(2, 4))
(Y == einsum('b c (2*n+2*k), o c k -> b o n', X, W)).all()
#= bool[]  True

# More efficient dilation (a TODO there): the factor belongs in the stride of k.
unfolded_X = X.unfold(2, kernel_size, stride, dilation=dilation)
(Y == einsum('b c n k, o c k -> b o n', unfolded_X, W)).all()
#= bool[]  True

# Grouped. The document's last line merges groups into the batch; what a grouped
# convolution returns has them in the channels.
groups = 2
X = arange(2, 4, 9); W = arange(6, 2, 3)
unfolded_X = X.unfold(dimension=2, size=kernel_size, step=stride)
x = rearrange(unfolded_X, 'b (groups c_in) n_out k1 -> b groups c_in n_out k', groups=groups)
#! 'k1' stands on the left only: did you mean 'k'? [ES_E_NAME S1]

x = rearrange(unfolded_X, 'b (groups c_in) n_out k -> b groups 1 c_in n_out k', groups=groups)
w = rearrange(W, '(groups c_out) c_in k -> 1 groups c_out c_in 1 k', groups=groups)
Y = (x * w).sum(dim=(3, 5))
rearrange(Y, 'b groups ... -> (b groups) ...').shape
#= (4, 3, 4)

Y = rearrange(Y, 'b groups c_out n_out -> b (groups c_out) n_out')
Y.shape
#= (2, 6, 4)

(Y == einsum('b (g c) (2*n+k), (g o) c k -> b (g o) n', X, W, g=groups)).all()
#= bool[]  True

(Y == conv1d(X, W, stride=2, groups=groups)).all()
#= bool[]  True

# ---- Conv2d layer ----
kernel_size = (3, 2); stride = 2
X = arange(2, 3, 7, 6); W = arange(4, 3, 3, 2)
unfolded_X = X.unfold(2, kernel_size[0], stride).unfold(3, kernel_size[1], stride)
unfolded_X = rearrange(unfolded_X, 'b c_in h_out w_out kh kw -> b 1 c_in h_out w_out kh kw')
w = rearrange(W, 'c_out c_in kh kw -> 1 c_out c_in 1 1 kh kw')
Y = (unfolded_X * w).sum(dim=(2, 5, 6))
Y[0]
#= i64[4 3 3]  min 10593  mean 43110  max 89235  288 B view
#= [[[10593 10899 11205]
#=   [12429 12735 13041]
#=   [14265 14571 14877]]
#=
#=  [[26307 27261 28215]
#=   [32031 32985 33939]
#=   [37755 38709 39663]]
#=
#=  [[42021 43623 45225]
#=   [51633 53235 54837]
#=   [61245 62847 64449]]
#=
#=  [[57735 59985 62235]
#=   [71235 73485 75735]
#=   [84735 86985 89235]]]

(Y == einsum('b c (2*ho+kh) (2*wo+kw), o c kh kw -> b o ho wo', X, W)).all()
#= bool[]  True

(Y == conv2d(X, W, stride=stride)).all()
#= bool[]  True

# Dilated: windows of d(k-1)+1 elements, every d-th of them.
unfolded_X = X.unfold(2, 5, stride).unfold(3, 3, stride)
unfolded_X = rearrange(unfolded_X, 'b c_in h_out w_out kh kw -> b 1 c_in h_out w_out kh kw')
Y = (unfolded_X[..., ::dilation, ::dilation] * w).sum(dim=(2, 5, 6))
(Y == conv2d(X, W, stride=stride, dilation=dilation)).all()
#= bool[]  True

# Grouped.
X = arange(2, 4, 7, 6); W = arange(6, 2, 3, 2)
unfolded_X = X.unfold(2, kernel_size[0], stride).unfold(3, kernel_size[1], stride)
unfolded_X = rearrange(unfolded_X, 'b (groups c_in) h_out w_out kh kw -> b groups 1 c_in h_out w_out kh kw', groups=groups)
w = rearrange(W, '(groups c_out) c_in kh kw -> 1 groups c_out c_in 1 1 kh kw', groups=groups)
Y = (unfolded_X * w).sum(dim=(3, 6, 7))
Y = rearrange(Y, 'b groups c_out ... -> b (groups c_out) ...')
(Y == einsum('b (g c) (2*h+kh) (2*w+kw), (g o) c kh kw -> b (g o) h w', X, W, g=groups)).all()
#= bool[]  True

# ---- pad: PyTorch's order, the last axis first ----
left, right, top, bottom = 1, 0, 2, 1
X_padded = nn.functional.pad(X, (left, right, top, bottom))
X.shape, X_padded.shape
#= ((2, 4, 7, 6), (2, 4, 10, 7))

(conv2d(X, W, padding=1, groups=2) == conv2d(nn.functional.pad(X, (1, 1, 1, 1)), W, groups=2)).all()
#= bool[]  True

# ---- matmul, bmm, mm ----
A = arange(2, 3, 4); B = arange(2, 4, 5)
a = rearrange(A, '... m n -> ... m n 1')
b = rearrange(B, '... n p -> ... 1 n p')
C = (a * b).sum(dim=-2) # ... m p
(C == A @ B).all(), (C == einsum('... m n, ... n p -> ... m p', A, B)).all()
#= bool[]  True
#= bool[]  True

a = rearrange(A, 'b m n -> b m n 1')
b = rearrange(B, 'b n p -> b 1 n p')
C = (a * b).sum(dim=-2) # b m p
(C == bmm(A, B)).all()
#= bool[]  True

a = rearrange(A[0], 'm n -> m n 1')
b = rearrange(B[0], 'n p -> 1 n p')
C = (a * b).sum(dim=-2) # m p
(C == mm(A[0], B[0])).all()
#= bool[]  True

# ---- view, permute, squeeze, unsqueeze: four rearranges, all views ----
X = arange(2, 3, 4, 5, 6); c1 = 3; c2 = 4
Y = X.view(X.size(0), -1, *X.shape[-2:])
(Y == rearrange(X, 'b c1 c2 h w -> b (c1 c2) h w')).all()
#= bool[]  True

# The document spreads X.shape[-2], one number; it means the last two.
Y.view(Y.size(0), c1, c2, *Y.shape[-2])
#! '*' needs a tuple, a list or a tensor with axes, found an integer [ES_E_DTYPE]

(Y.view(Y.size(0), c1, c2, *Y.shape[-2:]) == rearrange(Y, 'b (c1 c2) h w -> b c1 c2 h w', c1=c1, c2=c2)).all()
#= bool[]  True

X = Y
(X.permute(0, 3, 2, 1) == rearrange(X, 'b c h w -> b w h c')).all()
#= bool[]  True

X = arange(2, 3, 1)
X.squeeze(-1).shape, rearrange(X, 'b i 1 -> b i').shape
#= ((2, 3), (2, 3))

X = arange(2, 3)
X.unsqueeze(-1).shape, X[..., None].shape, rearrange(X, 'b i -> b i 1').shape
#= ((2, 3, 1), (2, 3, 1), (2, 3, 1))

# ---- The TODOs of the document ----
# Depthwise separable: one filter a channel, then a 1x1 convolution.
X = arange(1, 3, 5, 5); depth = arange(3, 3, 3); point = arange(4, 3)
Y = conv2d(conv2d(X, depth.reshape(3, 1, 3, 3), groups=3), point.reshape(4, 3, 1, 1))
(Y == einsum('b c (h+kh) (w+kw), c kh kw, o c -> b o h w', X, depth, point)).all()
#= bool[]  True

# ConvTranspose2d(kernel 2, stride 2, groups=4) is Conv2d 1x1, then PixelShuffle(2).
X = arange(2, 8, 3, 3); W = arange(8, 3, 2, 2)
Y = einsum('b (g c) h w, (g c) o r q -> b (g o) (h r) (w q)', X, W, g=4)
(Y == conv_transpose2d(X, W, stride=2, groups=4)).all()
#= bool[]  True

V = rearrange(W, '(g c) o r q -> (g o r q) c 1 1', g=4)
(Y == pixel_shuffle(conv2d(X, V, groups=4), 2)).all()
#= bool[]  True

# Simple attention.
q = arange(3, 4) * 0.1; k = arange(5, 4) * 0.2; v = arange(5, 4) * 1.0
scores = einsum('q d, k d -> q k', q, k) / 4 ** 0.5
Y = einsum('q k, k d -> q d', softmax(scores, dim=-1), v)
Y
#= f64[q:3 d:4]  min 9.87367  mean 14.2258  max 17.8903  96 B
#= [[ 9.87366524 10.87366524 11.87366524 12.87366524]
#=  [13.41352853 14.41352853 15.41352853 16.41352853]
#=  [14.89026381 15.89026381 16.89026381 17.89026381]]

(abs(Y - scaled_dot_product_attention(q, k, v)) < 1e-12).all()
#= bool[]  True

# Multihead attention: 2 heads of 3.
x = arange(1, 4, 6) * 0.01; w = arange(18, 6) * 0.01; u = eye(6, dtype='f64')
qkv = einsum('b t c, (n h d) c -> n b h t d', x, w, n=3, h=2)
scores = einsum('b h i d, b h j d -> b h i j', qkv[0], qkv[1]) / 3 ** 0.5
Y = einsum('b h i j, b h j d -> b i h d', softmax(scores, dim=-1), qkv[2])
Y = einsum('b i (h d), o (h d) -> b i o', rearrange(Y, 'b i h d -> b i (h d)'), u, h=2)
Y.shape
#= (1, 4, 6)

(abs(Y - multi_head_attention(x, 2, w, None, u)) < 1e-12).all()
#= bool[]  True
