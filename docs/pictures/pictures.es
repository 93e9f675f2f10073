# The pictures of the manual. `./dev manual` draws them; a test holds them against this file.
diagram('h w -> (w h)', file='order.svg')
diagram('b c (2*h+kh-1)?0 (2*w+kw-1)?0, o c kh kw -> b o h w', (2,3,8,8), (4,3,3,3), file='convolution.svg')
diagram('b h q d, b h k d -> b h q k', (2,4,10,16), (2,4,12,16), file='attention.svg')
diagram('b c (2*h+kh) (2*w+kw) -> b c h w | max', (1,1,4,4), kh=2, kw=2, file='pooling.svg')
diagram('i k -> (2*i+k)', (3, 3), file='fold.svg')
