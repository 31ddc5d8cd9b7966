#include "names.h"

#include <string.h>

static int compare(const void *a, size_t a_length, const void *b, size_t b_length)
{
    size_t both = a_length < b_length ? a_length : b_length;
    int    order = both ? memcmp(a, b, both) : 0;
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_names(const store_name *a, const store_name *b)
{
    return compare(a->bytes, a->length, b->bytes, b->length);
}

store_name *movex_store_names_find(store_name *root, const void *bytes, size_t length)
{
    while (root) {
        int order = compare(bytes, length, root->bytes, root->length);
        if (order == 0) return root;
        root = order < 0 ? root->left : root->right;
    }
    return NULL;
}

store_name *movex_store_names_after(store_name *root, const void *bytes, size_t length)
{
    store_name *after = NULL;
    while (root) {
        bool is_after = compare(bytes, length, root->bytes, root->length) < 0;
        if (is_after) after = root;
        root = is_after ? root->left : root->right;
    }
    return after;
}

static uint32_t level_of(const store_name *name)
{
    return name ? name->level : 0;
}

static store_name *skew(store_name *root)
{
    if (!root || !root->left || root->left->level != root->level) return root;
    store_name *left = root->left;
    root->left = left->right;
    left->right = root;
    return left;
}

static store_name *split(store_name *root)
{
    if (!root || !root->right || level_of(root->right->right) != root->level) return root;
    store_name *right = root->right;
    root->right = right->left;
    right->left = root;
    right->level++;
    return right;
}

store_name *movex_store_names_add(store_name *root, store_name *added)
{
    if (!root) {
        added->left = added->right = NULL;
        added->level = 1;
        return added;
    }
    if (compare_names(added, root) < 0)
        root->left = movex_store_names_add(root->left, added);
    else
        root->right = movex_store_names_add(root->right, added);
    return split(skew(root));
}

static store_name *rebalance(store_name *root)
{
    uint32_t left = level_of(root->left), right = level_of(root->right);
    uint32_t level = (left < right ? left : right) + 1;
    if (level < root->level) {
        root->level = level;
        if (level < right) root->right->level = level;
    }
    root = skew(root);
    root->right = skew(root->right);
    if (root->right) root->right->right = skew(root->right->right);
    root = split(root);
    root->right = split(root->right);
    return root;
}

store_name *movex_store_names_remove(store_name *root, const store_name *removed)
{
    int order = compare_names(removed, root);
    if (order < 0) {
        root->left = movex_store_names_remove(root->left, removed);
    } else if (order > 0) {
        root->right = movex_store_names_remove(root->right, removed);
    } else if (!root->left) {
        return root->right; /* of the lowest level: what is on its right is alone */
    } else {
        /* The one before it, which is a leaf, takes its place. */
        store_name *before = root->left;
        while (before->right) before = before->right;
        store_name *left = movex_store_names_remove(root->left, before);
        before->left = left;
        before->right = root->right;
        before->level = root->level;
        root = before;
    }
    return rebalance(root);
}
