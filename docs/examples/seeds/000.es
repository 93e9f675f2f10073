# Seed 000, a JAX notebook on offsets, tiles and groups: its cells as they stand.
#
#   #=  what the line above prints        #!  the error it gives
#
# Cells run in the order of their In[n] numbers, not as they lie in the document.
# In[5] to In[8] are not in the document; one of them must have made `tiled_d`, so
# In[13] and In[14] come before In[9] here. Three later cells read a `final` or a
# name that no earlier cell defines: they fail as they stand, and below each stands
# the definition from which the printed numbers come.

# In [1]:
import jax.numpy as jnp

channels_in = 10
groups = 2
d = jnp.arange(channels_in * groups).reshape((channels_in, groups))
d.shape
#= (10, 2)

# In [2]:
d
#= i32[10 2]  min 0  mean 9.5  max 19  80 B
#= DeviceArray([[ 0,  1],
#=              [ 2,  3],
#=              [ 4,  5],
#=              [ 6,  7],
#=              [ 8,  9],
#=              [10, 11],
#=              [12, 13],
#=              [14, 15],
#=              [16, 17],
#=              [18, 19]], dtype=int32)

# In [3]:
d.reshape((channels_in * groups))
#= i32[20]  min 0  mean 9.5  max 19  80 B view
#= DeviceArray([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
#=              15, 16, 17, 18, 19], dtype=int32)

# In [4]:
d.flatten()
#= i32[20]  min 0  mean 9.5  max 19  80 B view
#= DeviceArray([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
#=              15, 16, 17, 18, 19], dtype=int32)

# In [13]:
features_in_group = 2

# In [14]:
tiled_d = jnp.tile(d, [1, features_in_group])
tiled_d.shape
#= (10, 4)

# In [15]:
tiled_d
#= i32[10 4]  min 0  mean 9.5  max 19  160 B
#= DeviceArray([[ 0,  1,  0,  1],
#=              [ 2,  3,  2,  3],
#=              [ 4,  5,  4,  5],
#=              [ 6,  7,  6,  7],
#=              [ 8,  9,  8,  9],
#=              [10, 11, 10, 11],
#=              [12, 13, 12, 13],
#=              [14, 15, 14, 15],
#=              [16, 17, 16, 17],
#=              [18, 19, 18, 19]], dtype=int32)

# The same tile as a repeat, and the other order, which the document contrasts.
(tiled_d == repeat(d, 'c g -> c (f g)', f=features_in_group)).all()
#= bool[]  True

repeat(d, 'c g -> c (g f)', f=features_in_group)[0]
#= i32[4]  min 0  mean 0.5  max 1  16 B view
#= DeviceArray([0, 0, 1, 1], dtype=int32)

# In [9]:
flat_d = tiled_d.reshape(-1)
flat_d
#= i32[40]  min 0  mean 9.5  max 19  160 B view
#= DeviceArray([ 0,  1,  0,  1,  2,  3,  2,  3,  4,  5,  4,  5,  6,  7,  6,
#=               7,  8,  9,  8,  9, 10, 11, 10, 11, 12, 13, 12, 13, 14, 15,
#=              14, 15, 16, 17, 16, 17, 18, 19, 18, 19], dtype=int32)

# In [10]:
len(flat_d)
#= 40

# In [16]:
num_filters = features_in_group * groups
num_filters, num_filters * channels_in
#= (4, 40)

# In [19]:
groups
#= 2

# In [20]: `final` is defined in In[44] only. The four sums printed are those of 4 rows.
jnp.sum(final, axis=-1)
#! the name 'final' is not defined [ES_E_NAME]

final = jnp.reshape(flat_d, [num_filters, channels_in])
jnp.sum(final, axis=-1)
#= i32[4]  min 21  mean 95  max 169  16 B
#= DeviceArray([ 21,  69, 121, 169], dtype=int32)

# In [27]:
flat_d.shape
#= (40,)

# In [33]: the document never defines num_groups; the shape printed needs 4.
jnp.reshape(flat_d, [num_groups, channels_in]).shape
#! the name 'num_groups' is not defined [ES_E_NAME]

num_groups = 4
jnp.reshape(flat_d, [num_groups, channels_in]).shape
#= (4, 10)

# In [43]: the order (0, 2, 1) needs three axes; the array printed is that of (2, 2, 10).
final.transpose((0, 2,  1)).reshape((num_filters, channels_in))
#! 3 axes were given for a tensor with 2 [ES_E_RANK]

final = jnp.reshape(flat_d, [groups, features_in_group, channels_in])
final.transpose((0, 2,  1)).reshape((num_filters, channels_in))
#= i32[4 10]  min 0  mean 9.5  max 19  160 B
#= DeviceArray([[ 0,  4,  1,  5,  0,  6,  1,  7,  2,  6],
#=              [ 3,  7,  2,  8,  3,  9,  4,  8,  5,  9],
#=              [10, 14, 11, 15, 10, 16, 11, 17, 12, 16],
#=              [13, 17, 12, 18, 13, 19, 14, 18, 15, 19]], dtype=int32)

# In [44]:
final = jnp.reshape(flat_d, [channels_in, num_filters])

# In [47]:
final.transpose((-1, -2))
#= i32[4 10]  min 0  mean 9.5  max 19  160 B view
#= DeviceArray([[ 0,  2,  4,  6,  8, 10, 12, 14, 16, 18],
#=              [ 1,  3,  5,  7,  9, 11, 13, 15, 17, 19],
#=              [ 0,  2,  4,  6,  8, 10, 12, 14, 16, 18],
#=              [ 1,  3,  5,  7,  9, 11, 13, 15, 17, 19]], dtype=int32)
