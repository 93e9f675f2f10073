# Seed 004, notes that write convolutions as einsum: each as written, then the
# string that is meant, on real windows.
#
#   #=  what the line above prints
#
# As written, x.reshape(w//k, h//l, k, l) takes elements in row-major order: right in
# shape, but no window of an image with more than one axis. '(W k) (H l)' takes
# windows. For one axis the two agree.

b, w, h, c, k, l, m, C, g = 2, 6, 4, 4, 3, 2, 2, 4, 2

# ---- Convolutional Neural Networks ----
x = arange(w) # input of size 'W'
θ = arange(k) # weights
_x = x.reshape(w//k,k)
y = einsum('Wk,k->W', _x, θ)
y
#= i64[W:2]  min 5  mean 9.5  max 14  16 B
#= [ 5 14]

(y == einsum('(W k), k -> W', x, θ)).all()
#= bool[]  True

# Overlapping, which the notes leave out:
einsum('(W+k), k -> W', x, θ)
#= i64[W:4]  min 5  mean 9.5  max 14  32 B
#= [ 5  8 11 14]

# ---- 2D convolutions ----
x = arange(w,h)
θ = arange(k,l)
_x = x.reshape(w//k,h//l,k,l)
y = einsum('WHkl,kl->WH', _x, θ)
y
#= i64[2 2]  min 55  mean 190  max 325  32 B
#= [[ 55 145]
#=  [235 325]]

einsum('(W k) (H l), k l -> W H', x, θ)
#= i64[W:2 H:2]  min 101  mean 206  max 311  32 B
#= [[101 131]
#=  [281 311]]

x = arange(w,h,c)
θ = arange(k,l,c)
_x = x.reshape(w//k,h//l,k,l,c)
y = einsum('WHklc,klc->WH', _x, θ)
y
#= i64[2 2]  min 4324  mean 14260  max 24196  32 B
#= [[ 4324 10948]
#=  [17572 24196]]

einsum('(W k) (H l) c, k l c -> W H', x, θ)
#= i64[W:2 H:2]  min 7556  mean 15284  max 23012  32 B
#= [[ 7556  9764]
#=  [20804 23012]]

x = arange(b,w,h,c)
θ = arange(k,l,c,C)
_x = x.reshape(b,w//k,h//l,k,l,c)
y = einsum('bWHklc,klcC->bWHC', _x, θ)
y
#= i64[2 2 2 4]  min 17296  mean 113470  max 215692  256 B
#= [[[[ 17296  17572  17848  18124]
#=    [ 43792  44644  45496  46348]]
#=
#=   [[ 70288  71716  73144  74572]
#=    [ 96784  98788 100792 102796]]]
#=
#=
#=  [[[123280 125860 128440 131020]
#=    [149776 152932 156088 159244]]
#=
#=   [[176272 180004 183736 187468]
#=    [202768 207076 211384 215692]]]]

einsum('b (W k) (H l) c, k l c C -> b W H C', x, θ)[0]
#= i64[2 2 4]  min 30224  mean 62846  max 97484  128 B view
#= [[[30224 30692 31160 31628]
#=   [39056 39716 40376 41036]]
#=
#=  [[83216 84836 86456 88076]
#=   [92048 93860 95672 97484]]]

x = arange(b,w,h,c)
θ = arange(k,l,m)
_x = x.reshape(b,w//k,h//l,c//m,k,l,m)
y = einsum('bWHCklm,klm->bWHC', _x, θ)
y[0]
#= i64[2 2 2]  min 506  mean 3278  max 6050  64 B view
#= [[[ 506 1298]
#=   [2090 2882]]
#=
#=  [[3674 4466]
#=   [5258 6050]]]

einsum('b (W k) (H l) (C m), k l m -> b W H C', x, θ)[0]
#= i64[2 2 2]  min 1760  mean 3674  max 5588  64 B view
#= [[[1760 1892]
#=   [2288 2420]]
#=
#=  [[4928 5060]
#=   [5456 5588]]]

# ---- 1x1 Convolution ----
x = arange(w)
θ = arange(1) # k=1
_x = x.reshape(w,1)
y = einsum('wk,k->w', _x, θ)
y
#= i64[w:6]  min 0  mean 0  max 0  48 B
#= [0 0 0 0 0 0]

# Filter
x = arange(b,w,h,c)
θ = arange(c) # or arange(1,1,c)
_x = x.reshape(b,w,h,c) # or x.reshape(b,w,h,1,1,c)
y = einsum('bwhc,c->bwh', _x, θ) # or 'bwhklc,klc->bwh'
y[0]
#= i64[6 4]  min 14  mean 290  max 566  192 B view
#= [[ 14  38  62  86]
#=  [110 134 158 182]
#=  [206 230 254 278]
#=  [302 326 350 374]
#=  [398 422 446 470]
#=  [494 518 542 566]]

(y == einsum('bwhklc,klc->bwh', x.reshape(b,w,h,1,1,c), arange(1,1,c))).all()
#= bool[]  True

# Full 1x1 convolution
x = arange(b,w,h,c)
θ = arange(c,C)
_x = x.reshape(b,w,h,c)
y = einsum('bwhc,cC->bwhC', _x, θ)
y[0, 0]
#= i64[4 4]  min 56  mean 245  max 506  128 B view
#= [[ 56  62  68  74]
#=  [152 174 196 218]
#=  [248 286 324 362]
#=  [344 398 452 506]]

# ---- Separable convolutions ----
# Spatially separable convolution
x = arange(b,w,h,c)
t1 = arange(k,c,C)
t2 = arange(l,c,C)
_x = x.reshape(b,w//k,h,k,c)
inter = einsum('bWhkc,kcC->bWhcC', _x, t1)
_inter = inter.reshape(b,w//k,h//l,l,c,C)
y = einsum('bWHlcC,lcC->bWHC', _inter, t2)
y[0]
#= i64[2 2 4]  min 134528  mean 487094  max 943028  128 B view
#= [[[134528 147156 160336 174068]
#=   [323456 357396 393040 430388]]
#=
#=  [[512384 567636 625744 686708]
#=   [701312 777876 858448 943028]]]

# On windows it equals the 2-D convolution with the outer product of the kernels.
inter = einsum('b (W k) h c, k c C -> b W h c C', x, t1)
y = einsum('b W (H l) c C, l c C -> b W H C', inter, t2)
outer = einsum('k c C, l c C -> k l c C', t1, t2)
(y == einsum('b (W k) (H l) c, k l c C -> b W H C', x, outer)).all()
#= bool[]  True

# Depth-wise separable convolution
x = arange(b,w,h,c)
t1 = arange(k,l,c,)
t2 = arange(c,C)
_x = x.reshape(b,w//k,h//l,k,l,c)
inter = einsum('bWHklc,klc->bWHc', _x, t1)
y = einsum('bWHc,cC->bWHC', inter, t2)
y[0]
#= i64[2 2 4]  min 28704  mean 114030  max 229164  128 B view
#= [[[ 28704  33028  37352  41676]
#=   [ 71328  82276  93224 104172]]
#=
#=  [[113952 131524 149096 166668]
#=   [156576 180772 204968 229164]]]

# One string of three operands gives the same; on windows:
(y == einsum('bWHklc,klc,cC->bWHC', _x, t1, t2)).all()
#= bool[]  True

einsum('b (W k) (H l) c, k l c, c C -> b W H C', x, t1, t2)[0]
#= i64[2 2 4]  min 49056  mean 121710  max 217548  128 B view
#= [[[ 49056  56612  64168  71724]
#=   [ 63264  73028  82792  92556]]
#=
#=  [[134304 155108 175912 196716]
#=   [148512 171524 194536 217548]]]

# Flattened convolution (described): lateral, vertical, horizontal, in one string.
x = arange(1,c,w,h)
lateral = arange(C,c)
vertical = arange(C,3)
horizontal = arange(C,3)
y = einsum('b c h w, o c -> b o h w', x, lateral)
y = einsum('b o (i+kh-2)?0 w, o kh -> b o i w', y, vertical)
y = einsum('b o h (j+kw-2)?0, o kw -> b o h j', y, horizontal)
y.shape
#= (1, 4, 8, 6)

(y == einsum('b c (i+kh-2)?0 (j+kw-2)?0, o c, o kh, o kw -> b o i j', x, lateral, vertical, horizontal)).all()
#= bool[]  True

# ---- Grouped convolutions ----
# Standard group conv
x = arange(b,w,h,c)
θ = arange(k,l,g,c//g,C//g)
_x = x.reshape(b,w//k,h//l,k,l,g,c//g)
_y = einsum('bWHklgs,klgsS->bWHgS', _x, θ)
y = _y.reshape(b,w//k,h//l,C)
y[0]
#= i64[2 2 4]  min 3772  mean 14545  max 27490  128 B view
#= [[[ 3772  3898  4876  5026]
#=   [ 9820 10234 12076 12514]]
#=
#=  [[15868 16570 19276 20002]
#=   [21916 22906 26476 27490]]]

einsum('b (W k) (H l) (g s), k l g s S -> b W H (g S)', x, θ)[0]
#= i64[2 2 4]  min 6812  mean 15569  max 26018  128 B view
#= [[[ 6812  7034  8300  8546]
#=   [ 8828  9146 10700 11042]]
#=
#=  [[18908 19706 22700 23522]
#=   [20924 21818 25100 26018]]]

# Shuffled group conv (described): the shuffle is free when the string writes it.
x = arange(1,c,2,2)
θ = arange(C,c//g)
y = einsum('b (g c) h w, (g o) c -> b (g o) h w', x, θ, g=g)
shuffled = rearrange(y, 'b (g k) h w -> b (k g) h w', g=g)
(shuffled == einsum('b (g c) h w, (g o) c -> b (o g) h w', x, θ, g=g)).all()
#= bool[]  True

# Point-wise group conv (named)
y[0, :, 0, 0]
#= i64[4]  min 4  mean 60  max 132  32 B view
#= [  4  12  92 132]

# ---- Complexity, which the notes leave open ----
cost('b (W k) (H l) c, k l c C -> b W H C', (b,w,h,c), (k,l,c,C))['multiply_adds']
#= 768

cost('b (W k) (H l) (g s), k l g s S -> b W H (g S)', (b,w,h,c), (k,l,g,c//g,C//g))['multiply_adds']
#= 384

# ---- Complexity, and the ratio of complexity vs regular ----
# The notes leave these open. Nothing is computed: shapes are enough.
b, w, h, c, k, l, C = 2, 12, 12, 8, 3, 3, 16
regular = cost('b (W k) (H l) c, k l c C -> b W H C', (b,w,h,c), (k,l,c,C))
regular['formula']
#= 'b·W·H·C·k·l·c'
separable = cost('b (W k) (H l) c, k l c, c C -> b W H C', (b,w,h,c), (k,l,c), (c,C))
ratio(separable, regular)['formula']
#= '1/C + 1/(k·l)'
grouped = cost('b (W k) (H l) (g s), k l g s S -> b W H (g S)', (b,w,h,c), (k,l,2,4,8))
ratio(grouped, cost('b (W k) (H l) (g s), k l (g s) (q S) -> b W H (q S)', (b,w,h,c), (k,l,c,C), g=2, q=2))
#= {'formula': '1/q', 'value': 0.5}
