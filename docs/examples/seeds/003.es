# Seed 003, an MXNet notebook on standard and grouped convolution: its cells, the
# loop over num_group written out.
#
#   #=  what the line above prints        #!  the error it gives

# In [58]:
import numpy as np
from mxnet import nd

# Data format: [batch, channel, height, width]
# Weight format: [output_channels, in_channels, height, width]
num_filter   = 2
img_shape    = (1, 3, 2, 2)
weight_shape = (num_filter, img_shape[1], 1, 1)

data = nd.arange(img_shape[0]*img_shape[1]*img_shape[2]*img_shape[3]).reshape(img_shape)
weight = nd.arange(weight_shape[0] * weight_shape[1] * weight_shape[2] * weight_shape[3]).reshape(weight_shape)
bias = nd.zeros(num_filter)

print('Input:', data, '\n\nWeight:', weight, '\n\nBias:', bias)
#= Input:
#= [[[[  0.   1.]
#=    [  2.   3.]]
#=
#=   [[  4.   5.]
#=    [  6.   7.]]
#=
#=   [[  8.   9.]
#=    [ 10.  11.]]]]
#= <NDArray 1x3x2x2 @cpu(0)>
#=
#= Weight:
#= [[[[ 0.]]
#=
#=   [[ 1.]]
#=
#=   [[ 2.]]]
#=
#=
#=  [[[ 3.]]
#=
#=   [[ 4.]]
#=
#=   [[ 5.]]]]
#= <NDArray 2x3x1x1 @cpu(0)>
#=
#= Bias:
#= [ 0.  0.]
#= <NDArray 2 @cpu(0)>

# In [59]:
conv = nd.Convolution(data, weight=weight, bias=bias, kernel=weight.shape[2:], num_filter=weight.shape[0])
print("Output of standard convolution:\n", conv)
#= Output of standard convolution:
#=
#= [[[[ 20.  23.]
#=    [ 26.  29.]]
#=
#=   [[ 56.  68.]
#=    [ 80.  92.]]]]
#= <NDArray 1x2x2x2 @cpu(0)>

# In [60]: MXNet's reshape codes: -1 infers, 0 keeps the axis.
in_channels  = data.shape[1]
out_channels = weight.shape[0]
num_kernels  = in_channels * out_channels
print('data   shape:', data.shape, '\nweight shape:', weight.shape)
#= data   shape: (1, 3, 2, 2)
#= weight shape: (2, 3, 1, 1)

weight0 = weight.reshape((-1, 1, 0, 0))
bias = nd.zeros(in_channels*out_channels)
print('\nshape of reshaped weight:', weight0.shape, '\nbias shape:', bias.shape)
#=
#= shape of reshaped weight: (6, 1, 1, 1)
#= bias shape: (6,)

conv = nd.Convolution(data, weight=weight0, bias=bias, kernel=weight.shape[2:],
                      num_filter=num_kernels,
                      num_group=3)
print("\nGroup Convolution Output:", conv)
#=
#= Group Convolution Output:
#= [[[[  0.   0.]
#=    [  0.   0.]]
#=
#=   [[  0.   1.]
#=    [  2.   3.]]
#=
#=   [[  8.  10.]
#=    [ 12.  14.]]
#=
#=   [[ 12.  15.]
#=    [ 18.  21.]]
#=
#=   [[ 32.  36.]
#=    [ 40.  44.]]
#=
#=   [[ 40.  45.]
#=    [ 50.  55.]]]]
#= <NDArray 1x6x2x2 @cpu(0)>

# input_channels = num_group * weight_channels, as the document demands:
nd.Convolution(data, weight=weight, bias=nd.zeros(2), kernel=(1, 1), num_filter=2, num_group=2)
#! input_channels = num_group * weight_channels must hold: data has 3 channels, num_group * weight_channels is 2 * 3 = 6 [ES_E_EXTENT]

# In [62]: shapes from planning alone; no data exists.
import mxnet as mx
data_shape = (1, 6, 256, 256)

conv = mx.sym.Convolution(data=mx.sym.Variable(name='data'), kernel=(3, 3), stride=(1, 1), num_filter=24, num_group=1, name='conv')
arg_shape, out_shape, aux_shape = conv.infer_shape(data=data_shape)
print("num-group =", 1, '\nShape of parameters:')
print('data\t{}\nconv_weight\t{}\nconv_bias\t{}'.format(*arg_shape))
print('\nShape of feature maps:')
print(dict(zip(conv.list_outputs(), out_shape)))
#= num-group = 1
#= Shape of parameters:
#= data	(1, 6, 256, 256)
#= conv_weight	(24, 6, 3, 3)
#= conv_bias	(24,)
#=
#= Shape of feature maps:
#= {'conv_output': (1, 24, 254, 254)}

conv = mx.sym.Convolution(data=mx.sym.Variable(name='data'), kernel=(3, 3), stride=(1, 1), num_filter=24, num_group=2, name='conv')
arg_shape, out_shape, aux_shape = conv.infer_shape(data=data_shape)
print("num-group =", 2, '\nShape of parameters:')
print('data\t{}\nconv_weight\t{}\nconv_bias\t{}'.format(*arg_shape))
print('\nShape of feature maps:')
print(dict(zip(conv.list_outputs(), out_shape)))
#= num-group = 2
#= Shape of parameters:
#= data	(1, 6, 256, 256)
#= conv_weight	(24, 3, 3, 3)
#= conv_bias	(24,)
#=
#= Shape of feature maps:
#= {'conv_output': (1, 24, 254, 254)}

conv = mx.sym.Convolution(data=mx.sym.Variable(name='data'), kernel=(3, 3), stride=(1, 1), num_filter=24, num_group=3, name='conv')
arg_shape, out_shape, aux_shape = conv.infer_shape(data=data_shape)
print("num-group =", 3, '\nShape of parameters:')
print('data\t{}\nconv_weight\t{}\nconv_bias\t{}'.format(*arg_shape))
print('\nShape of feature maps:')
print(dict(zip(conv.list_outputs(), out_shape)))
#= num-group = 3
#= Shape of parameters:
#= data	(1, 6, 256, 256)
#= conv_weight	(24, 2, 3, 3)
#= conv_bias	(24,)
#=
#= Shape of feature maps:
#= {'conv_output': (1, 24, 254, 254)}

conv = mx.sym.Convolution(data=mx.sym.Variable(name='data'), kernel=(3, 3), stride=(1, 1), num_filter=24, num_group=6, name='conv')
arg_shape, out_shape, aux_shape = conv.infer_shape(data=data_shape)
print("num-group =", 6, '\nShape of parameters:')
print('data\t{}\nconv_weight\t{}\nconv_bias\t{}'.format(*arg_shape))
print('\nShape of feature maps:')
print(dict(zip(conv.list_outputs(), out_shape)))
#= num-group = 6
#= Shape of parameters:
#= data	(1, 6, 256, 256)
#= conv_weight	(24, 1, 3, 3)
#= conv_bias	(24,)
#=
#= Shape of feature maps:
#= {'conv_output': (1, 24, 254, 254)}

# 6 channels do not split into 4 groups; MXNet would say so at run time only.
conv = mx.sym.Convolution(data=mx.sym.Variable(name='data'), kernel=(3, 3), num_filter=24, num_group=4, name='conv')
conv.infer_shape(data=data_shape)
#! input_channels = num_group * weight_channels cannot hold: 6 channels are not a multiple of num_group = 4 [ES_E_EXTENT]
