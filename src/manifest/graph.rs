//! Cycles in a directed graph over any keys; knows nothing of certificates.

use std::collections::{HashMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// For each strongly connected part of the graph one shortest cycle, as indices of its edges in their
/// order. A graph without cycles gives nothing. Edges from a node to itself are cycles of length 1.
pub(super) fn cycles(nodes: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut graph: DiGraph<(), usize, usize> = DiGraph::with_capacity(nodes, edges.len());
    for _ in 0..nodes {
        graph.add_node(());
    }
    for (index, &(from, to)) in edges.iter().enumerate() {
        if from < nodes && to < nodes {
            graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), index);
        }
    }
    // Not `tarjan_scc`: it recurses, and a chain of some thousand entries overflows the stack.
    let mut cycles: Vec<Vec<usize>> = kosaraju_scc(&graph)
        .into_iter()
        .filter_map(|part| shortest_cycle(&graph, edges, &part))
        .collect();
    cycles.sort();
    cycles
}

/// A shortest cycle through the first node of a strongly connected part.
fn shortest_cycle(
    graph: &DiGraph<(), usize, usize>,
    edges: &[(usize, usize)],
    part: &[NodeIndex<usize>],
) -> Option<Vec<usize>> {
    let start = *part.iter().min()?;
    let inside: std::collections::HashSet<_> = part.iter().copied().collect();
    let mut came_by: HashMap<NodeIndex<usize>, usize> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        let mut out: Vec<(usize, NodeIndex<usize>)> = graph
            .edges(node)
            .map(|edge| {
                use petgraph::visit::EdgeRef;
                (*edge.weight(), edge.target())
            })
            .filter(|(_, target)| inside.contains(target))
            .collect();
        out.sort();
        for (edge, target) in out {
            if target == start {
                let mut path = vec![edge];
                let mut at = node;
                while at != start {
                    let edge = *came_by.get(&at)?;
                    path.push(edge);
                    at = NodeIndex::new(edges.get(edge)?.0);
                }
                path.reverse();
                return Some(path);
            }
            if let std::collections::hash_map::Entry::Vacant(vacant) = came_by.entry(target) {
                vacant.insert(edge);
                queue.push_back(target);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_chain_has_no_cycle() {
        let edges: Vec<_> = (0..200_000).map(|node| (node, node + 1)).collect();
        assert!(cycles(200_001, &edges).is_empty());
    }

    #[test]
    fn a_tree_has_no_cycle() {
        assert!(cycles(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]).is_empty());
    }

    #[test]
    fn row_103_each_part_gives_its_shortest_cycle() {
        let edges = [
            (0, 1),
            (1, 2),
            (2, 0),
            (1, 0),
            (3, 4),
            (4, 3),
            (4, 5),
            (6, 6),
        ];
        assert_eq!(cycles(7, &edges), [vec![0, 3], vec![4, 5], vec![7]]);
    }

    #[test]
    fn a_long_cycle_is_found_whole() {
        let count = 10_000;
        let edges: Vec<_> = (0..count).map(|node| (node, (node + 1) % count)).collect();
        let found = cycles(count, &edges);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].len(), count);
    }
}
