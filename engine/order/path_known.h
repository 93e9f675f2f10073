/* The orders that were found for networks, whatever memory was to be had: a plan that does not fit
 * is made again in more pieces, and a program may hold one network many times. */
#ifndef ES_ENGINE_PATH_KNOWN_H
#define ES_ENGINE_PATH_KNOWN_H

#include "engine/order/path_tree.h"

typedef struct es_known es_known;

es_known *es_known_new(const es_allocator *allocator); /* NULL: no memory */
void es_known_free(es_known *known);                   /* NULL is allowed */
/* As es_orders_find, once for each network. What is found lives as long as known does. */
es_status es_known_orders(es_known *known, const es_network *net, double effort,
                          const es_orders **found, es_error *error);

#endif
