// The image that holds a pod's namespaces on the node of the tests. Nothing here is part of the product.
module idhub-aws-connector/test/cluster/pause

go 1.26.0
